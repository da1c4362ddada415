/** Apache httpd for static files: event MPM, with the numbers that Debian's mpm_event.conf has. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apacheConfiguration } from '../apache-configuration.js';
import { apacheMissing, apacheVersion } from '../apache-program.js';
import { serverOfTree, startProgram } from '../contender.js';
import type { StaticContender } from './static-contender.js';

export const apacheStatic: StaticContender = {
  name: 'apache',
  version: apacheVersion,
  settings: () => "event MPM, Debian's defaults: 2 processes of 25 threads to begin with, no log",
  missing: apacheMissing,
  async start({ target, port, keepAliveSeconds, environment }) {
    const { apache = '', scratchDirectory } = environment;
    const directory = mkdtempSync(join(scratchDirectory, 'apache-'));
    // The user of its processes is another than root.
    chmodSync(directory, 0o755);
    const configurationPath = join(directory, 'httpd.conf');
    const content = filesBelow(target.root);
    writeFileSync(
      configurationPath,
      apacheConfiguration({ port, keepAliveSeconds, directory, modules: ['mime'], content }),
    );
    const root = await startProgram(apache, ['-d', directory, '-f', configurationPath, '-DFOREGROUND'], {
      cwd: directory,
      accepts: { port },
    });
    return serverOfTree(root, port);
  },
};

function filesBelow(root: string): string {
  return `
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadLimit 64
ThreadsPerChild 25
MaxRequestWorkers 150
TypesConfig /dev/null
AddType image/png .png
DocumentRoot "${root}"
<Directory "${root}">
  Require all granted
</Directory>
`;
}
