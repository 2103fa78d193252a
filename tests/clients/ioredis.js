// ioredis by the URI alone: what was stored comes back.
const Redis = require('ioredis');

(async () => {
  const client = new Redis(process.env.CACHE_URI, { retryStrategy: null, maxRetriesPerRequest: 0 });
  await client.set('ioredis', process.argv[2]);
  console.log(await client.get('ioredis'));
  client.disconnect();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
