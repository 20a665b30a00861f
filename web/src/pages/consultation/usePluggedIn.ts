import { useEffect, useState } from 'react';
import { pluggedIn } from '@/media/devices';

export type Ready = 'both' | 'mic' | 'camera' | 'none' | 'insecure' | 'unknown';

async function look(): Promise<Ready> {
  if ((navigator.mediaDevices as MediaDevices | undefined) === undefined) {
    return 'insecure';
  }
  const found = await pluggedIn();
  if (found === null) {
    return 'unknown';
  }
  if (found.mic) {
    return found.camera ? 'both' : 'mic';
  }
  return found.camera ? 'camera' : 'none';
}

/** Which devices are connected, followed while somebody plugs them in and out. */
export function usePluggedIn(): Ready {
  const [ready, setReady] = useState<Ready>('unknown');
  useEffect(() => {
    let wanted = true;
    const update = () =>
      void look().then((found) => {
        if (wanted) {
          setReady(found);
        }
      });
    update();
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    devices?.addEventListener('devicechange', update);
    return () => {
      wanted = false;
      devices?.removeEventListener('devicechange', update);
    };
  }, []);
  return ready;
}
