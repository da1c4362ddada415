/** The suite as a program of its own, for who has built it already: `node dist-chaos/chaos/program.js SCENARIO …`. */
import { main } from './main.js';

await main(process.argv.slice(2));
