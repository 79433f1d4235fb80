"""Mail by SMTP. The only channel that is no HTTP call."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

from alerts.pager.channels.outcome import Later, Outcome, Refused, Sent, Unreachable, secret
from alerts.pager.message import Message
from alerts.pager.rota import Person
from alerts.pager.wording import mail

PATIENCE = 15.0  # seconds for each answer of the server


@dataclass(frozen=True, slots=True)
class Mail:
    """To fixed addresses, or to whoever is on duty when there are none."""

    name: str
    host: str
    sender: str
    to: tuple[str, ...] = ()
    port: int = 587
    tls: str = "starttls"  # starttls, implicit or none
    username: str = ""
    password_file: str = ""
    ca_file: str = ""  # whose certificates the server's may be signed by; else those that the machine trusts
    limit: int = 60
    together: bool = True
    follows: bool = False

    @property
    def personal(self) -> bool:
        """Each letter is for one person."""
        return not self.to

    def send(self, messages: Sequence[Message], person: Person | None) -> Outcome:
        """Send, in a thread of the caller's: it blocks."""
        try:
            letter = self._letter(messages, person)
            password = secret(self.password_file, "the mail account's password") if self.password_file else ""
            refused = self._deliver(letter, password)
        except Unreachable as missing:
            return Refused(str(missing), called=False)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            return _refusal(error)
        except smtplib.SMTPNotSupportedError as error:
            return Refused(f"the mail server does not offer what is asked: {error}")
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"the mail server: {error}", 30.0)
        except ValueError as error:  # an address, or a password, that SMTP cannot carry; its text may tell it
            return Refused(f"this cannot be said to a mail server: {type(error).__name__}")
        return Sent(f"the mail server does not take {', '.join(refused)}" if refused else "")

    def _letter(self, messages: Sequence[Message], person: Person | None) -> EmailMessage:
        to = self.to or ((person.mail,) if person is not None and person.mail else ())
        if not to:
            raise Unreachable(f"{person.name if person else 'nobody'} has no mail address in the rota")
        letter = EmailMessage()
        letter["Subject"], text = mail(messages)
        letter["From"] = self.sender
        letter["To"] = ", ".join(to)
        letter["Date"] = format_datetime(localtime())
        letter["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2].strip("> "))
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from somebody's holiday
        letter.set_content(text)
        return letter

    def _deliver(self, letter: EmailMessage, password: str) -> Mapping[str, object]:
        """Those of its recipients that the server does not take, when it takes some."""
        server = self._connected()
        try:
            if self.username:
                server.login(self.username, password)
            return server.send_message(letter)
        finally:
            with suppress(OSError, smtplib.SMTPException):  # what it has it has, however it says goodbye
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise Unreachable(f"certificates: {self.ca_file} cannot be used: {error.strerror}") from None
        if self.tls == "implicit":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        try:
            if self.tls == "starttls":
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _refusal(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> Outcome:
    """4xx passes by, 5xx does not (RFC 5321, section 4.2.1)."""
    if isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        code, text = next(iter(error.recipients.values()))
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    why = f"the mail server says {code} {' '.join(words.split())[:200]}"
    personal = isinstance(error, smtplib.SMTPRecipientsRefused)
    return Later(why, 60.0, personal=personal) if 400 <= code < 500 else Refused(why)
