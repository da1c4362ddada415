/** They look at the configuration, and serve nothing. A module of such a name is served with `xgi wsgi NAME`. */
export const LOOKING_COMMANDS = ['check', 'routes'] as const;
