/** A place for a request, or its turn in the queue for one. */
import type { GatewayError } from '../errors.js';
import type { Places, PlaceSeeker } from './places.js';
import type { GatewayRequest } from '../types.js';

/**
 * @param gone what a client is told that has gone while it waited; nobody reads it, but the request has to end
 * @returns what gives the place back; it may be called more than once. Rejects with what the places refuse with
 */
export function takePlace(
  places: Places,
  request: GatewayRequest,
  gone: () => GatewayError,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    let isWaiting = true;
    const seeker: PlaceSeeker = {
      refused: reject,
      placed: () => {
        isWaiting = false;
        resolve(leave);
      },
    };
    const leave = (): void => places.leave(seeker);
    request.onAbort(() => {
      // Whoever has a place sees to its own end.
      if (!isWaiting) return;
      leave();
      reject(gone());
    });
    places.seek(seeker);
  });
}
