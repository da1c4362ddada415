/** They look at the configuration, or write it, and serve nothing. A module of such a name is served with `xgi wsgi NAME`. */
export const LOOKING_COMMANDS = ['check', 'routes', 'init'] as const;
