/**
 * httpoxy (CVE-2016-5385 and its kind). A client sends `Proxy: http://evil/`, a server that knows no better makes HTTP_PROXY of it, and
 * the HTTP library inside the program takes that for the proxy its administrator wants: its requests, with their secrets, go to the attacker.
 */
import { expect, test } from 'vitest';
import { startCgi } from '../support/cgi-site.js';

test('no spelling of the field sets HTTP_PROXY or another proxy variable', async () => {
  const site = await startCgi();
  const names = [
    'Proxy',
    'proxy',
    'PROXY',
    'pRoXy',
    'Http-Proxy',
    'HTTP_PROXY',
    'Http_Proxy',
    'https_proxy',
    'Proxy-Authorization',
  ];
  const { env, bornWith } = await site.report('/report.py', {
    headers: [...names.map((name) => `${name}: http://evil.example/`), 'X-Told: yes'],
  });
  // So the request has come through whole.
  expect(env['HTTP_X_TOLD']).toBe('yes');
  const proxies = Object.keys(env).filter((name) => /proxy/i.test(name));
  // The library does not read this one: it is `Http-Proxy`, told as any field is.
  expect(proxies).toEqual(['HTTP_HTTP_PROXY']);
  expect(bornWith).not.toContain('\0HTTP_PROXY=');
});

test('a proxy that the administrator gives to programs with -e stays what it is', async () => {
  const site = await startCgi(['-e', 'HTTP_PROXY=http://chosen.by.the.administrator/']);
  const { env } = await site.report('/report.py', { headers: ['Proxy: http://evil.example/'] });
  expect(env['HTTP_PROXY']).toBe('http://chosen.by.the.administrator/');
});
