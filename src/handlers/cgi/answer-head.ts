/** The head of a program's answer, as a response has it. */
import { GatewayError, LocalProtocolError } from '../../errors.js';
import { ResponseHead } from '../../http/response-head.js';

export interface AnswerHead {
  readonly head: ResponseHead;
  /** The file that is to be sent as the body (X-Sendfile); undefined if none is named. */
  readonly sendFile: string | undefined;
}

/** @throws GatewayError 502 `XGI_CGI_BAD_HEAD` */
export function makeAnswerHead(answer: {
  status: number;
  fields: readonly string[];
  reason: string;
}): AnswerHead {
  const { fields, sendFile } = takeSendFile(answer.fields);
  try {
    return { head: new ResponseHead(answer.status, fields, answer.reason), sendFile };
  } catch (error) {
    if (error instanceof LocalProtocolError) throw new GatewayError(502, 'XGI_CGI_BAD_HEAD', error.message);
    throw error;
  }
}

/** The field is never passed on, for it tells where things are. */
function takeSendFile(fields: readonly string[]): {
  fields: readonly string[];
  sendFile: string | undefined;
} {
  const at = fields.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'x-sendfile');
  if (at === -1) return { fields, sendFile: undefined };
  return { fields: fields.toSpliced(at, 2), sendFile: fields[at + 1] };
}
