/** All scenarios, in the order in which they are run. */
import type { Scenario } from './scenario.js';
import { deadline } from './scenarios/deadline.js';
import { faults } from './scenarios/faults.js';
import { kill } from './scenarios/kill.js';
import { mixed } from './scenarios/mixed.js';
import { orphans } from './scenarios/orphans.js';
import { term } from './scenarios/term.js';

export const scenarios: readonly Scenario[] = [kill, faults, deadline, term, orphans, mixed];
