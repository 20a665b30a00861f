import { describe, expect, it } from 'vitest';
import { NOTHING, readInbound } from './inbound';

describe('a report of what came in', () => {
  it('counts pictures and sound of a present-day browser', () => {
    expect(
      readInbound([
        { type: 'inbound-rtp', kind: 'video', framesDecoded: 42 },
        { type: 'inbound-rtp', kind: 'audio', packetsReceived: 50, audioLevel: 0.2 },
        { type: 'outbound-rtp', kind: 'audio' },
      ]),
    ).toEqual({ pictures: 42, soundPackets: 50, level: 0.2 });
  });

  it('finds the loudness where Chromium 86 keeps it', () => {
    expect(
      readInbound([
        { type: 'inbound-rtp', mediaType: 'audio', packetsReceived: 7 },
        { type: 'track', kind: 'audio', remoteSource: true, audioLevel: 0.5 },
        { type: 'track', kind: 'audio', remoteSource: false, audioLevel: 0.9 },
      ]),
    ).toEqual({ pictures: 0, soundPackets: 7, level: 0.5 });
  });

  it('is nothing before anything came', () => {
    expect(readInbound([])).toEqual(NOTHING);
  });
});
