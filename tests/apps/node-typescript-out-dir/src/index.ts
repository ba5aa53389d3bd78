import fastify from 'fastify';

fastify().listen({ port: Number(process.env.PORT), host: '0.0.0.0' });
