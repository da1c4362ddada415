/** The head of a program's answer, as a response has it. */
import { GatewayError, LocalProtocolError } from '../../errors.js';
import { ResponseHead } from '../../http/response-head.js';
import { takeSendFile } from '../sendfile.js';

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
  const { fields, file } = takeSendFile(answer.fields);
  try {
    return { head: new ResponseHead(answer.status, fields, answer.reason), sendFile: file };
  } catch (error) {
    if (error instanceof LocalProtocolError) throw new GatewayError(502, 'XGI_CGI_BAD_HEAD', error.message);
    throw error;
  }
}
