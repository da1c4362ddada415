/** The defaults that do not depend on the machine. In a module without zod, because `--help` prints them. */
import type { HttpDeadlines, HttpLimits } from '../types.js';

export const DEFAULTS = {
  host: '127.0.0.1',
  port: 8000,
  threads: 1,
  gateways: 1,
  timeoutMs: 30_000,
  queueTimeoutMs: 30_000,
  gracefulTimeoutMs: 30_000,
  backlog: 2048,
  forwardedAllowIps: '127.0.0.1,::1',
  proxyAllowFrom: '127.0.0.1,::1',
  logLevel: 'info',
  cgiIdleTimeoutMs: 60_000,
  cgiTimeoutMs: 3_600_000,
  cgiConcurrency: 32,
  /** gunicorn's. */
  accessLogFormat: '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
} as const;

/** Those of the command; for {@link HttpLimits}. */
export const DEFAULT_LIMITS: HttpLimits = {
  maxRequestLineBytes: 4094,
  maxFields: 100,
  maxFieldBytes: 8190,
  maxHeadBytes: 65_536,
  maxBodyBytes: 8 * 2 ** 30,
  maxConnections: 16_384,
};

/** Those of the command; for {@link HttpDeadlines}. */
export const DEFAULT_DEADLINES: HttpDeadlines = {
  handshakeMs: 10_000,
  headMs: 20_000,
  bodyIdleMs: 30_000,
  bodyMinBytesPerSecond: 240,
  writeIdleMs: 60_000,
  keepAliveMs: 65_000,
};
