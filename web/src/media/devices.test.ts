import { describe, expect, it } from 'vitest';
import { openDevices, problemOf } from './devices';

function named(name: string): Error {
  const error = new Error(name);
  error.name = name;
  return error;
}

/** A browser in which only the given devices open; the others fail with the given error. */
function browser(works: { audio?: Error; video?: Error }) {
  return (constraints: MediaStreamConstraints): Promise<MediaStream> => {
    const error =
      (constraints.audio && works.audio) || (constraints.video && works.video) || undefined;
    return error ? Promise.reject(error) : Promise.resolve({} as MediaStream);
  };
}

describe('opening camera and microphone', () => {
  it('takes both when both work', async () => {
    expect(await openDevices(browser({}))).toMatchObject({ mode: 'both', mic: null, camera: null });
  });

  it('joins with the microphone alone when the camera is in use elsewhere', async () => {
    const devices = await openDevices(browser({ video: named('NotReadableError') }));
    expect(devices).toMatchObject({ mode: 'mic', mic: null, camera: 'busy' });
  });

  it('joins with the camera alone when there is no microphone', async () => {
    const devices = await openDevices(browser({ audio: named('NotFoundError') }));
    expect(devices).toMatchObject({ mode: 'camera', mic: 'missing', camera: null });
  });

  it('listens when both are refused', async () => {
    const denied = named('NotAllowedError');
    const devices = await openDevices(browser({ audio: denied, video: denied }));
    expect(devices).toEqual({ mode: 'listener', stream: null, mic: 'denied', camera: 'denied' });
  });

  it('listens where the page has no secure address', async () => {
    expect(await openDevices(null)).toMatchObject({ mode: 'listener', mic: 'insecure' });
  });

  it('says failed for an error it does not know', () => {
    expect(problemOf(named('SomethingNew'))).toBe('failed');
    expect(problemOf('text')).toBe('failed');
  });
});
