// Single requests for what is measured to the millisecond. By Node's `http`, over connections that stay: `fetch` costs so much
// that sixteen callers of it keep a core busy, and wait up to 40 ms for their own event loop.

import http from 'node:http';

const agent = new http.Agent({ keepAlive: true });

/** The status of the answer to `body`, as JSON. Rejects when nobody answers within `timeoutMs`. */
export function postJson(url: string, body: unknown, { timeoutMs }: { timeoutMs: number }): Promise<number> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const call = http.request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', reject);
      answer.resume();
    });
    call.setTimeout(timeoutMs, () => call.destroy(new Error(`${url} did not answer in ${timeoutMs} ms`)));
    call.on('error', reject);
    call.end(text);
  });
}
