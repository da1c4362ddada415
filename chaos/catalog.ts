/** All scenarios, in the order in which they are run. */
import type { Scenario } from './scenario.js';
import { brokenReload } from './scenarios/broken-reload.js';
import { cgi } from './scenarios/cgi.js';
import { deadline } from './scenarios/deadline.js';
import { earlyFaults } from './scenarios/early-faults.js';
import { faults } from './scenarios/faults.js';
import { gateways } from './scenarios/gateways.js';
import { handover } from './scenarios/handover.js';
import { kill } from './scenarios/kill.js';
import { leak } from './scenarios/leak.js';
import { mixed } from './scenarios/mixed.js';
import { orphans } from './scenarios/orphans.js';
import { preloadRestart } from './scenarios/preload-restart.js';
import { recycle } from './scenarios/recycle.js';
import { reload } from './scenarios/reload.js';
import { scale } from './scenarios/scale.js';
import { term } from './scenarios/term.js';

export const scenarios: readonly Scenario[] = [
  reload,
  recycle,
  brokenReload,
  scale,
  handover,
  kill,
  faults,
  earlyFaults,
  deadline,
  leak,
  gateways,
  term,
  orphans,
  preloadRestart,
  cgi,
  mixed,
];
