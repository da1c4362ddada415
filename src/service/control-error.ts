import { type ErrorCode, XgiError } from '../errors.js';

/** A request to the control socket that is answered with that status, and `{code, message}`. */
export class ControlError extends XgiError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
}
