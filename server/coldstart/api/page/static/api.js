/** Calls of the server's API; what goes wrong becomes a sentence. */

/** An answer that is no success, or no answer; `message` is a sentence for people. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status HTTP status; 0 when there was no answer.
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body] sent as JSON
 * @returns {Promise<any>} the JSON answer; null for 204
 */
async function call(method, path, body) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new ApiError("The server does not answer. Is it still running?", 0);
  }
  if (reply.status === 204) return null;
  const answer = await reply.json().catch(() => null);
  if (reply.ok) return answer;
  throw new ApiError(sentence(answer?.detail ?? `the server answered ${reply.status}`, reply), reply.status);
}

function sentence(detail, reply) {
  const wait = reply.headers.get("retry-after");
  const again = wait && reply.status !== 500 ? ` Try again in ${wait} s.` : "";
  return `${detail[0].toUpperCase()}${detail.slice(1)}.${again}`;
}

const at = (id) => `/api/v1/sessions/${encodeURIComponent(id)}`;

export const models = () => call("GET", "/api/models").then((answer) => answer.models);
export const create = (settings) => call("POST", "/api/v1/sessions", settings);
export const change = (id, settings) => call("PATCH", at(id), settings);
export const spin = (id) => call("POST", `${at(id)}/tokens`, { spin: true });
export const pick = (id, tokenId) => call("POST", `${at(id)}/tokens`, { token_id: tokenId });
export const undo = (id) => call("DELETE", `${at(id)}/tokens/last`);

/** Ends a session without waiting, also while the page is being left. */
export function end(id) {
  fetch(at(id), { method: "DELETE", keepalive: true }).catch(() => {});
}
