/** nginx for static files, tuned. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverOfTree, startProgram } from '../contender.js';
import { nginxConfiguration } from '../nginx-configuration.js';
import { nginxVersion } from '../nginx-version.js';
import type { StaticContender } from './static-contender.js';

export const nginxStatic: StaticContender = nginxFiles('nginx', '');

export const nginxGzip: StaticContender = nginxFiles(
  'nginx-gzip',
  `
    gzip on;
    gzip_comp_level 5;
    gzip_types application/json;
    gzip_vary on;
`,
);

/** @param more directives */
function nginxFiles(name: string, more: string): StaticContender {
  return {
    name,
    version: nginxVersion,
    settings: (workers) =>
      `${workers} workers, sendfile, tcp_nopush, open_file_cache, no log${more === '' ? '' : ', gzip_comp_level 5'}`,
    missing: ({ nginx }) => (nginx ? undefined : "Debian's package nginx-light is not installed"),
    async start({ target, workers, port, keepAliveSeconds, certificate, environment }) {
      const { nginx = '', scratchDirectory } = environment;
      const configurationPath = join(scratchDirectory, `nginx-${port}.conf`);
      const setup = { port, workers, keepAliveSeconds, scratchDirectory, certificate };
      writeFileSync(
        configurationPath,
        nginxConfiguration({
          ...setup,
          ...(certificate && { protocol: 'http2' }),
          content: filesBelow(target.root) + more,
        }),
      );
      const root = await startProgram(nginx, ['-c', configurationPath, '-p', scratchDirectory], {
        cwd: scratchDirectory,
        accepts: { port },
      });
      return serverOfTree(root, port);
    },
  };
}

function filesBelow(root: string): string {
  return `
    root ${root};
    types { image/png png; application/json json; }
    charset utf-8;
    charset_types application/json;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 60s;
    http2_max_requests 100000000;
`;
}
