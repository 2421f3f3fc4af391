import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

/**
 * Serves the files of an app from a web server of its own, so that they load while the sync server is down.
 * @returns {Promise<string>} address of the page
 */
export async function hostFiles(t, folder) {
  const host = createServer(({ url }, response) => {
    const path = url === '/' ? '/index.html' : url;
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    createReadStream(join(folder, path))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => {
    host.closeAllConnections();
    host.close();
  });
  return `http://127.0.0.1:${host.address().port}/`;
}
