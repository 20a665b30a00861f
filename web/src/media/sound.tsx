import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';

export interface Sound {
  /** True while the browser keeps at least one voice silent until somebody clicks. */
  blocked: boolean;
  /** Reports an element that had to be muted to play at all. */
  report: (video: HTMLVideoElement) => void;
  forget: (video: HTMLVideoElement) => void;
  /** To be called out of a click: every silenced voice is heard again. */
  resume: () => void;
}

const SoundContext = createContext<Sound>({
  blocked: false,
  report: () => {},
  forget: () => {},
  resume: () => {},
});

export function useSound(): Sound {
  return useContext(SoundContext);
}

/** Collects the voices a page may not play by itself, so that one button brings back all of them. */
export function SoundProvider({ children }: { children: ReactNode }) {
  const [silenced, setSilenced] = useState<readonly HTMLVideoElement[]>([]);
  const report = useCallback(
    (video: HTMLVideoElement) => setSilenced((all) => [...all.filter((v) => v !== video), video]),
    [],
  );
  const forget = useCallback(
    (video: HTMLVideoElement) => setSilenced((all) => all.filter((v) => v !== video)),
    [],
  );
  const sound = useMemo(
    () => ({
      blocked: silenced.length > 0,
      report,
      forget,
      resume: () => {
        for (const video of silenced) {
          video.muted = false;
          video.play().catch(() => report(video));
        }
        setSilenced([]);
      },
    }),
    [silenced, report, forget],
  );
  return <SoundContext value={sound}>{children}</SoundContext>;
}
