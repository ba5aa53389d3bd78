import { Elysia } from 'elysia';

new Elysia().get('/', 'ok').listen(process.env.PORT);
