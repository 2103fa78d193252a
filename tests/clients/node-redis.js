// node-redis by the URI alone: what was stored comes back.
const { createClient } = require('redis');

(async () => {
  const client = createClient({ url: process.env.CACHE_URI, socket: { reconnectStrategy: false } });
  await client.connect();
  await client.set('node-redis', process.argv[2]);
  console.log(await client.get('node-redis'));
  client.destroy();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
