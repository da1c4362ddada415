/** 1 KB. */
export const TEXT = 'Hello, World!\n'.repeat(74).slice(0, 1024);
export const TYPE = 'text/plain; charset=utf-8';
