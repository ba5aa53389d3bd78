import { Hono } from 'hono';

export default { port: process.env.PORT, fetch: new Hono().get('/', (c) => c.text('ok')).fetch };
