// Files beside a log item: attached at East, the same bytes at West, large ones when asked for.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, phone, signIn, until } from '../lib/browser.mjs';
import { startDemo } from '../lib/demo.mjs';

const pictures = process.env.PICTURES;
const folder = mkdtempSync(join(tmpdir(), 'dutyroom-files-'));
const item = '东门围栏倒塌，附现场照片';

let demo;
let east;
let west;

before(async () => {
  demo = await startDemo();
  east = await openBrowser();
  await signIn(east.page, demo.east.url, demo.user('east', 'officer'));
  west = await openBrowser();
  await signIn(west.page, demo.west.url, demo.user('west', 'officer'));
});

after(async () => {
  await east?.close();
  await west?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.equal(await demo?.end(), 0, 'Ctrl-C ends the demo well');
});

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function shot(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

// A real picture: drawn by the browser itself.
async function photo(page, name, hue) {
  const base64 = await page.evaluate((colour) => {
    const canvas = document.createElement('canvas');
    canvas.width = 1200;
    canvas.height = 800;
    const pen = canvas.getContext('2d');
    pen.fillStyle = `hsl(${colour}, 60%, 60%)`;
    pen.fillRect(0, 0, 1200, 800);
    pen.fillStyle = '#222';
    for (let x = 0; x < 1200; x += 80) pen.fillRect(x, 300 + (x % 160), 24, 400);
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1];
  }, hue);
  const path = join(folder, name);
  const bytes = Buffer.from(base64, 'base64');
  writeFileSync(path, bytes);
  return { path, bytes };
}

// What the signed-in page is served, as it would save it.
async function served(page, link) {
  const address = await link.getAttribute('href');
  const base64 = await page.evaluate(async (path) => {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(String(answer.status));
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let text = '';
    for (let at = 0; at < bytes.length; at += 32_768) {
      text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
    }
    return btoa(text);
  }, address);
  return Buffer.from(base64, 'base64');
}

const files = (page) => page.getByRole('region', { name: '附件' });

test('a photo written with an item at East is seen at West with the same bytes', async () => {
  const first = await photo(east.page, '现场 1.jpg', 20);
  const { page } = east;
  await page.keyboard.press('F4');
  const entry = page.getByRole('region', { name: '新记事' });
  await entry.getByLabel('内容').fill(item);
  await entry.locator('input[type=file][multiple]').setInputFiles(first.path);
  await entry.getByRole('button', { name: '移除 现场 1.jpg' }).waitFor();
  await shot(page, 'attach-entry');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('status').filter({ hasText: '已保存' }).waitFor();
  const row = west.page.getByRole('row').filter({ hasText: item }).first();
  await row.getByRole('img', { name: '附件 1 个' }).waitFor();
  await shot(west.page, 'attach-row');
  await row.getByRole('link').first().click();
  const link = files(west.page).getByRole('link', { name: '现场 1.jpg' });
  await link.waitFor();
  assert.equal(sha(await served(west.page, link)), sha(first.bytes));
  await files(west.page).getByRole('button', { name: '放大查看 现场 1.jpg' }).waitFor();
  await shot(west.page, 'attach-page');
});

test('the other campus adds a picture, and arrow keys lead from one to the next', async () => {
  const second = await photo(west.page, '现场 2.jpg', 200);
  const { page } = west;
  await files(page).locator('input[type=file][multiple]').setInputFiles(second.path);
  await files(page).getByRole('button', { name: '放大查看 现场 2.jpg' }).waitFor();
  await files(page).getByRole('button', { name: '放大查看 现场 1.jpg' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('1 / 2').waitFor();
  await page.keyboard.press('ArrowRight');
  await dialog.getByText('2 / 2').waitFor();
  const image = dialog.getByRole('img', { name: '现场 2.jpg' });
  await until('it is drawn', () => image.evaluate(({ naturalWidth }) => naturalWidth === 1200));
  await shot(page, 'attach-viewer');
  await page.keyboard.press('ArrowLeft');
  await dialog.getByText('1 / 2').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
});

test('a large file waits at East until West asks for it, and comes with progress', async () => {
  const { page } = west;
  const bytes = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(24_000_000)]);
  writeFileSync(join(folder, '围栏图纸.pdf'), bytes);
  await east.page.goto(demo.east.url + new URL(page.url()).pathname);
  const panel = files(east.page);
  await panel.locator('input[type=file][multiple]').setInputFiles(join(folder, '围栏图纸.pdf'));
  await panel.getByRole('link', { name: '围栏图纸.pdf' }).waitFor();
  const fetch = files(page).getByRole('button', { name: '取回 围栏图纸.pdf' });
  await fetch.waitFor();
  await files(page).getByText('未取回（24 MB）').waitFor();
  await shot(page, 'attach-elsewhere');
  await fetch.click();
  await files(page).getByRole('progressbar', { name: '围栏图纸.pdf 取回进度' }).waitFor();
  await shot(page, 'attach-coming');
  const link = files(page).getByRole('link', { name: '围栏图纸.pdf' });
  await link.waitFor({ timeout: 60_000 });
  assert.equal(sha(await served(page, link)), sha(bytes));
});

test('a file whose line breaks goes on where the site has it', async () => {
  const { page } = east;
  const sent = [];
  await page.route('**/api/v1/uploads/*', async (route) => {
    const request = route.request();
    if (request.method() !== 'PATCH') return route.continue();
    sent.push(Number(new URL(request.url()).searchParams.get('offset')) / 2 ** 20);
    return sent.length === 2 ? route.abort('connectionreset') : route.continue();
  });
  const bytes = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(9_000_000)]);
  writeFileSync(join(folder, '断点.pdf'), bytes);
  await files(page).locator('input[type=file][multiple]').setInputFiles(join(folder, '断点.pdf'));
  const link = files(page).getByRole('link', { name: '断点.pdf' });
  await link.waitFor();
  assert.deepEqual(sent, [0, 4, 4, 8]);
  assert.equal(sha(await served(page, link)), sha(bytes));
  await page.unroute('**/api/v1/uploads/*');
});

test('an upload after the session has ended asks to sign in and is not lost', async () => {
  const { page } = east;
  const path = new URL(page.url()).pathname;
  await page.context().clearCookies();
  const { path: photoPath } = await photo(page, '登录之前.jpg', 120);
  await files(page).locator('input[type=file][multiple]').setInputFiles(photoPath);
  const { login, password } = demo.user('east', 'officer');
  await page.getByLabel('用户名').fill(login);
  await shot(page, 'attach-signed-out');
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.waitForURL(`**${path}`);
  await files(page).getByRole('link', { name: '登录之前.jpg' }).waitFor();
});

test('a page in disguise and an empty file are refused in words, and a pasted picture is taken', async () => {
  const { page } = east;
  const panel = files(page);
  const disguise = join(folder, '通知.jpg');
  writeFileSync(disguise, '<!DOCTYPE html><script>alert(1)</script>');
  await panel.locator('input[type=file][multiple]').setInputFiles(disguise);
  await panel.getByRole('alert').filter({ hasText: '不接收这种文件' }).waitFor();
  await shot(page, 'attach-refused');
  await panel.getByRole('button', { name: '移除 通知.jpg' }).click();
  const empty = join(folder, '空白.pdf');
  writeFileSync(empty, '');
  await panel.locator('input[type=file][multiple]').setInputFiles(empty);
  await panel.getByRole('alert').filter({ hasText: '文件是空的' }).waitFor();
  await panel.getByRole('button', { name: '移除 空白.pdf' }).click();
  const { bytes } = await photo(page, '截图.jpg', 300);
  await panel.evaluate((target, base64) => {
    const data = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([data], '截图.jpg', { type: 'image/jpeg' }));
    const event = new ClipboardEvent('paste', { clipboardData: carried, bubbles: true });
    target.dispatchEvent(event);
  }, bytes.toString('base64'));
  await panel.getByRole('button', { name: '放大查看 截图.jpg' }).waitFor();
});

test('on a phone the attachments fit, and there is a camera button', async () => {
  const leader = await openBrowser({ viewport: phone });
  const { page } = leader;
  await signIn(page, demo.hub.url, demo.user('hub', 'leader'));
  await page.goto(demo.hub.url + new URL(west.page.url()).pathname);
  await files(page).getByRole('button', { name: '拍照' }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(overflow <= 0, `overflows by ${overflow}px`);
  await files(page).scrollIntoViewIfNeeded();
  await shot(page, 'attach-phone');
  assert.deepEqual(leader.errors, []);
  await leader.close();
});

test('what is seen on the way throws no error', () => {
  assert.deepEqual([east.errors, west.errors], [[], []]);
});
