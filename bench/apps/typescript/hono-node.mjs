/** Hono on its own adapter for Node. */
import { serve } from '@hono/node-server';
import app from './hono.mjs';

serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' });
