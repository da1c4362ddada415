/**
 * The same generator, but its `return` does not wait for the `next` before it, which may be waiting for something that never comes: a client
 * that sends nothing, an application that has nothing to say.
 *
 * @param interrupt called by `return`, also of a generator that was never asked for anything: it has the generator wake, and end
 */
export function interruptible<T>(
  generator: AsyncGenerator<T, void, void>,
  interrupt: () => void,
): AsyncGenerator<T, void, void> {
  const result: AsyncGenerator<T, void, void> = {
    next: () => generator.next(),
    return: (value) => {
      interrupt();
      return generator.return(value as Awaited<void>);
    },
    throw: (error) => generator.throw(error),
    [Symbol.asyncIterator]: () => result,
  };
  return result;
}
