/** lighttpd with mod_cgi, as Debian packages it, with a configuration and a folder of its own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstLineOf } from '../../environment/programs.js';
import { programName } from '../../processes/process-table.js';
import { startCgiServer, type CgiContender } from './cgi-contender.js';
import { lighttpdConfiguration } from './lighttpd-configuration.js';

export const lighttpd: CgiContender = {
  name: 'lighttpd',
  version: ({ lighttpd: program = '' }) => firstLineOf(program, ['-v']).replace(/^(\S+)\/(\S+).*/, '$1 $2'),
  settings: (workers) => `${workers} workers, mod_cgi`,
  missing: ({ lighttpd: program }) => (program ? undefined : "Debian's package lighttpd is not installed"),
  differsFor: () => true,
  async start({ target, workers, port, keepAliveSeconds, environment }) {
    const { lighttpd: program = '', scratchDirectory } = environment;
    const directory = mkdtempSync(join(scratchDirectory, 'lighttpd-'));
    const configurationPath = join(directory, 'lighttpd.conf');
    writeFileSync(
      configurationPath,
      lighttpdConfiguration({ port, workers, keepAliveSeconds, site: target, directory }),
    );
    return startCgiServer({
      program,
      args: ['-D', '-f', configurationPath],
      port,
      cwd: directory,
      isQuiet: false,
      isOwn: (pid) => programName(pid) === 'lighttpd',
    });
  },
};
