import { Elysia } from 'elysia';

new Elysia().listen(Number(process.env.PORT));
