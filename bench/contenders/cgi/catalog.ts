/** Every contender of the CGI benchmarks, in the order of the tables. */
import { apache } from './apache.js';
import type { CgiContender } from './cgi-contender.js';
import { lighttpd } from './lighttpd.js';
import { xgiCold, xgiPreload, xgiWarm } from './xgi.js';

export const cgiContenders: readonly CgiContender[] = [xgiWarm, xgiPreload, xgiCold, apache, lighttpd];
