/** What the add-ons and the protocol expect of a browser's global scope; imported before them. */
import { WebSocket } from 'ws';

globalThis.self = globalThis;
globalThis.WebSocket = WebSocket;
