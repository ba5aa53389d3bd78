import express from 'express';

express().get('/', (_, answer) => answer.send('ok')).listen(process.env.PORT);
