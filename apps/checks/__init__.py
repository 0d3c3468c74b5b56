"""Does it still resolve: fetch, verdict, record, status; cadence; queue; ledger."""
