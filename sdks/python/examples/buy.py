"""Buys one address behind 402, once: `python buy.py URL PURCHASE`, with TOLLBRIDGE_KEY and TOLLBRIDGE_SERVER
set.

Kill it, start it again, as often as you like: what `PURCHASE` names is paid for once.
"""

import sys

from tollbridge import TollbridgeError, Wallet

url, purchase = sys.argv[1:]
wallet = Wallet.open()
try:
    bought = wallet.get(url, max_price="0.50 CNY", purchase=purchase)
except TollbridgeError as fault:
    print(f"{fault} ({fault.code}, {fault.next})")
    sys.exit(3)

print(bought.payment.words)
match bought.payment.state:
    case "free" | "paid" | "held":
        print(bought.answer.text() if bought.answer else "")
    case "asked":  # The owner reads the question on her pages. After her yes, run this again.
        sys.exit(4)
    case "unknown":  # Nobody can say yet. Run this again: it asks, and pays nothing twice.
        sys.exit(4)
    case "denied" | "returned":
        print(f"{bought.payment.code}: {bought.payment.next}")
        sys.exit(3)
