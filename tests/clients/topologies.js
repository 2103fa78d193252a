// What consumers of a cluster and of sentinels do with the variables they get: ioredis and node-redis for both. What
// was stored comes back, whoever it belongs to.
const Redis = require('ioredis');
const { createCluster, createSentinel } = require('redis');

const { RING_NODES, RING_PASSWORD, CACHE_SENTINELS, CACHE_SENTINEL_NAME, CACHE_PASSWORD } = process.env;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

const addresses = (list) =>
  list.split(',').map((address) => ({ host: address.split(':')[0], port: Number(address.split(':')[1]) }));

const roundTrip = async (client, name) => {
  for (const key of KEYS) await client.set(`${name}-${key}`, key);
  const values = [];
  for (const key of KEYS) values.push(await client.get(`${name}-${key}`));
  console.log(name, values.join(''));
};

const ioredisCluster = async () => {
  const client = new Redis.Cluster(addresses(RING_NODES), { redisOptions: { password: RING_PASSWORD } });
  await roundTrip(client, 'ioredis-cluster');
  client.disconnect();
};

const ioredisSentinel = async () => {
  const client = new Redis({
    sentinels: addresses(CACHE_SENTINELS),
    name: CACHE_SENTINEL_NAME,
    password: CACHE_PASSWORD,
    sentinelPassword: CACHE_PASSWORD,
  });
  await roundTrip(client, 'ioredis-sentinel');
  client.disconnect();
};

const nodeRedisCluster = async () => {
  const client = createCluster({
    rootNodes: addresses(RING_NODES).map((socket) => ({ socket })),
    defaults: { password: RING_PASSWORD },
  });
  client.on('error', (error) => console.error(error.message));
  await client.connect();
  await roundTrip(client, 'node-redis-cluster');
  await client.quit();
};

const nodeRedisSentinel = async () => {
  const client = createSentinel({
    name: CACHE_SENTINEL_NAME,
    sentinelRootNodes: addresses(CACHE_SENTINELS),
    nodeClientOptions: { password: CACHE_PASSWORD },
    sentinelClientOptions: { password: CACHE_PASSWORD },
  });
  client.on('error', (error) => console.error(error.message));
  await client.connect();
  await roundTrip(client, 'node-redis-sentinel');
  client.destroy();
};

(async () => {
  await ioredisCluster();
  await ioredisSentinel();
  await nodeRedisCluster();
  await nodeRedisSentinel();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
