/** What a receiving connection has decoded so far, out of getStats; works back to Chromium 86. */
export interface InboundSample {
  /** Pictures decoded since the connection began. */
  pictures: number;
  /** Sound packets received since the connection began. */
  soundPackets: number;
  /** Loudness 0..1, null where the browser does not tell. */
  level: number | null;
}

export const NOTHING: InboundSample = { pictures: 0, soundPackets: 0, level: null };

/** The fields read here; the DOM types lack the older `track` report. */
interface StatsEntry {
  type: string;
  kind?: string;
  mediaType?: string;
  framesDecoded?: number;
  packetsReceived?: number;
  audioLevel?: number;
  remoteSource?: boolean;
}

/** Folds the entries of one report. Chromium 86 keeps `audioLevel` in `track`, later in `inbound-rtp`. */
export function readInbound(entries: Iterable<StatsEntry>): InboundSample {
  const sample = { ...NOTHING };
  for (const entry of entries) {
    const kind = entry.kind ?? entry.mediaType;
    if (entry.type === 'inbound-rtp' && kind === 'video') {
      sample.pictures += entry.framesDecoded ?? 0;
    }
    if (entry.type === 'inbound-rtp' && kind === 'audio') {
      sample.soundPackets += entry.packetsReceived ?? 0;
    }
    const heard = entry.type === 'inbound-rtp' || (entry.type === 'track' && entry.remoteSource);
    if (heard && kind === 'audio' && entry.audioLevel !== undefined) {
      sample.level = Math.max(sample.level ?? 0, entry.audioLevel);
    }
  }
  return sample;
}

/** Reads a connection; a connection that is already closed reads as nothing. */
export async function sampleInbound(pc: RTCPeerConnection): Promise<InboundSample> {
  try {
    const entries: StatsEntry[] = [];
    const report = await pc.getStats();
    report.forEach((entry: StatsEntry) => {
      entries.push(entry);
    });
    return readInbound(entries);
  } catch {
    return NOTHING;
  }
}
