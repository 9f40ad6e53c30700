/**
 * `node:http` without what it costs to import it as an ES module: that reads each of its exports, `WebSocket` among them, and
 * with that loads all of undici, some 15 ms of every start.
 */
export const http = process.getBuiltinModule('node:http');
