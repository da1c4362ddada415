/** A request as the handler of a route sees it: the front of its path is the mount (SCRIPT_NAME), the rest is the path. */
import { DerivedRequest } from '../http/derived-request.js';
import type { GatewayRequest } from '../types.js';

export class MountedRequest extends DerivedRequest {
  /** @param length how many characters of the path the route takes */
  constructor(whole: GatewayRequest, length: number) {
    super(whole);
    this.mount = whole.mount + whole.path.slice(0, length);
    this.path = whole.path.slice(length);
  }
}
