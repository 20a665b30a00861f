import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { pageOf } from '@/kinds';

interface Props {
  kind: string;
  id: string;
  className?: string;
  children: ReactNode;
}

/** A way to a record's own page; plain text for a kind this web has no page for. */
export function RecordLink({ kind, id, className, children }: Props) {
  const page = pageOf(kind);
  if (!page) return <span className={className}>{children}</span>;
  return (
    <Link to={page} params={{ id }} className={className} preload={false} data-row-link="">
      {children}
    </Link>
  );
}
