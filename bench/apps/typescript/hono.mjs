/** The application that both servers of Hono applications are given. */
import { Hono } from 'hono';
import { TEXT, TYPE } from './text.mjs';

const app = new Hono();

app.get('/1kb.txt', (c) => c.text(TEXT, 200, { 'Content-Type': TYPE }));

export default app;
