/** This project's own server with a configuration file: one route, or a thousand, to the same folder of files. */
import type { StaticContender } from './static-contender.js';
import { xgiConfigured } from './xgi-configured.js';

type Route = Readonly<Record<string, unknown>>;

/** Below the URL path `/part125` there are the files of the root too. */
export const ROUTED_FOLDER = 'part125/';

const app = 'files';
const everything: Route = { app };

export const xgiOneRoute = routedContender({
  name: 'one-route',
  settings: 'a configuration file with 1 route, for everything',
  routes: [everything],
});

export const xgiThousandRoutes = routedContender({
  name: 'thousand-routes',
  settings: '1,000 routes: hosts, wildcards, prefixes, patterns with method and field',
  routes: [...repeat(250, routesOf).slice(0, 999), everything],
});

function routesOf(number: number): Route[] {
  return [
    { host: `site${number}.example.org`, path: '/shop', app },
    { host: `*.tenant${number}.example.org`, app },
    { path: `/part${number}`, app },
    { path: `/users${number}/:id/files/*`, method: ['GET'], headers: { 'X-Version': '2' }, app },
  ];
}

function repeat(times: number, make: (number: number) => Route[]): Route[] {
  return Array.from({ length: times }, (_, number) => make(number)).flat();
}

interface Configuration {
  readonly name: string;
  readonly settings: string;
  readonly routes: readonly Route[];
}

function routedContender({ name, settings, routes }: Configuration): StaticContender {
  return xgiConfigured({
    name,
    settings: () => settings,
    configure: ({ target }) => ({ apps: { [app]: { kind: 'static', target: target.root } }, routes }),
  });
}
