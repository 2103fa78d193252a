"""redis-py by the URI alone: what was stored comes back."""
import os
import sys

import redis

client = redis.from_url(os.environ["CACHE_URI"], decode_responses=True)
client.set("redis-py", sys.argv[1])
print(client.get("redis-py"))
