/** Apache httpd: event MPM and mod_cgid, as Debian packages them, with a configuration and a folder of its own. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programName } from '../../processes/process-table.js';
import { apacheConfiguration } from '../apache-configuration.js';
import { apacheMissing, apacheVersion } from '../apache-program.js';
import { cgiDirectives, cgiModules } from './apache-directives.js';
import { startCgiServer, type CgiContender } from './cgi-contender.js';

export const apache: CgiContender = {
  name: 'apache',
  version: apacheVersion,
  settings: (workers) => `event MPM, ${workers} processes of 256 threads, mod_cgid`,
  missing: apacheMissing,
  differsFor: () => true,
  async start({ target, workers, port, keepAliveSeconds, environment }) {
    const { apache: program = '', scratchDirectory } = environment;
    const directory = mkdtempSync(join(scratchDirectory, 'apache-'));
    // The user of its processes is another than root.
    chmodSync(directory, 0o755);
    const configurationPath = join(directory, 'httpd.conf');
    writeFileSync(
      configurationPath,
      apacheConfiguration({
        port,
        keepAliveSeconds,
        directory,
        modules: cgiModules,
        content: cgiDirectives({ processes: workers, site: target, directory }),
      }),
    );
    return startCgiServer({
      program,
      args: ['-d', directory, '-f', configurationPath, '-DFOREGROUND'],
      port,
      cwd: directory,
      isQuiet: true,
      isOwn: (pid) => programName(pid) === 'apache2',
    });
  },
};
