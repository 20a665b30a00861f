// What a browser really decodes, read from the page.

const tile = (page, source) => page.locator(`figure[data-source="${source}"]`);

// What every tile of the page says of itself, for the message of a wait that ran out.
export function tilesOf(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('figure')].map((one) => `${one.ariaLabel} ${one.dataset.phase} ${one.dataset.reason}`),
  );
}

// Frames decoded so far in a tile.
export function framesOf(page, source) {
  return tile(page, source)
    .locator('video')
    .evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames);
}

// The simulated camera's clock, ms since the epoch modulo 2^32: 32 blocks along the top edge,
// white is one, most significant first.
export function clockOf(page, source) {
  return tile(page, source)
    .locator('video')
    .evaluate((video) => {
      const canvas = document.createElement('canvas');
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0);
      const block = video.videoWidth / 32;
      let value = 0;
      for (let index = 0; index < 32; index += 1) {
        const [red] = context.getImageData((index + 0.5) * block, video.videoHeight / 45, 1, 1).data;
        value = value * 2 + (red > 128 ? 1 : 0);
      }
      return value;
    });
}

// Sum of audio samples received by all peer connections of the page; the page keeps them in
// `window.__peers` because the scenario wrapped the constructor before loading it.
export function audioReceived(page) {
  return page.evaluate(async () => {
    let energy = 0;
    for (const peer of window.__peers ?? []) {
      const stats = await peer.getStats();
      stats.forEach((one) => {
        if (one.type === 'inbound-rtp' && one.kind === 'audio') energy += one.packetsReceived;
      });
    }
    return energy;
  });
}

export function ciphers(page) {
  return page.evaluate(async () => {
    const found = new Set();
    for (const peer of window.__peers ?? []) {
      const stats = await peer.getStats();
      stats.forEach((one) => {
        if (one.type === 'transport' && one.srtpCipher) found.add(one.srtpCipher);
      });
    }
    return [...found];
  });
}

export function keepPeers(page) {
  return page.addInitScript(() => {
    const Native = window.RTCPeerConnection;
    window.__peers = [];
    window.RTCPeerConnection = class extends Native {
      constructor(...given) {
        super(...given);
        window.__peers.push(this);
      }
    };
  });
}
