import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';

/** Leads to sign-in once and keeps the way back; `Navigate` would start anew with every change of address. */
export function ToSignIn() {
  const router = useRouter();
  useEffect(() => {
    const { href, pathname } = router.state.location;
    if (pathname === '/sign-in') return;
    void router.navigate({ to: '/sign-in', search: { to: href }, replace: true });
  }, [router]);
  return null;
}
