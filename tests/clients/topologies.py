"""redis-py with the variables of a cluster and of sentinels: what was stored comes back, whoever it belongs to."""
import os

from redis.cluster import RedisCluster
from redis.sentinel import Sentinel

KEYS = "abcdef"


def round_trip(client, name):
    for key in KEYS:
        client.set(f"{name}-{key}", key)
    print(name, "".join(client.get(f"{name}-{key}") for key in KEYS))


def host_and_port(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def main():
    env = os.environ
    host, port = host_and_port(env["RING_NODES"].split(",")[0])
    round_trip(RedisCluster(host=host, port=port, password=env["RING_PASSWORD"], decode_responses=True), "cluster")
    password = env["CACHE_PASSWORD"]
    sentinel = Sentinel(
        [host_and_port(address) for address in env["CACHE_SENTINELS"].split(",")],
        sentinel_kwargs={"password": password},
        password=password,
        decode_responses=True,
    )
    round_trip(sentinel.master_for(env["CACHE_SENTINEL_NAME"]), "sentinel")


main()
