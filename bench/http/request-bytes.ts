export interface RequestParts {
  readonly method?: string;
  readonly target: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** A complete HTTP/1.1 request. */
export function requestBytes({ method = 'GET', target, fields = {}, body }: RequestParts): Buffer {
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    ...(body ? ['Content-Type: application/octet-stream', `Content-Length: ${body.length}`] : []),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

/** The same request with one more field, `Name: value`. */
export function insertField(request: Buffer, field: string): Buffer {
  const end = request.indexOf('\r\n');
  return Buffer.concat([
    request.subarray(0, end),
    Buffer.from(`\r\n${field}`, 'latin1'),
    request.subarray(end),
  ]);
}
