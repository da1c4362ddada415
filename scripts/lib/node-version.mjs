/**
 * Ends the program with one line if this Node.js is too old for xgi. To be imported first: what is imported after it may use
 * what only newer ones have, as long as an old one can parse it.
 */
const [major, minor] = process.version.slice(1).split('.').map(Number);
const suffices = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;

if (!suffices) {
  console.error(`xgi needs Node.js 20.19 or later of 20, or 22.12 and later; this is ${process.version}`);
  process.exit(1);
}
