//! Labels: the closed lists of what a figure may be split by.

/// A closed list of words.
pub trait Label: Copy + PartialEq + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// Returns the word.
    fn word(self) -> &'static str;
}

macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

label! {
    /// What a client asks for.
    Kind {
        /// To store media.
        Upload = "upload",
        /// Room for media to be stored later.
        Create = "create",
        /// How large an upload may be.
        MediaConfig = "media_config",
        /// How much was uploaded.
        MediaUsage = "media_usage",
        /// A page of metergate's own.
        Own = "own",
        /// The end of a session.
        SessionsEnd = "sessions_end",
        /// What a `[[meter]]` names.
        Metered = "metered",
        /// An upload, or what else is metered, in disguise.
        Disguised = "disguised",
        /// A head that can be read in two ways.
        Malformed = "malformed",
        /// Anything else.
        Other = "other",
    }
}

label! {
    /// The class of an answer's status.
    Class {
        /// A tunnel opened.
        Informational = "1xx",
        /// Done.
        Success = "2xx",
        /// Elsewhere.
        Redirection = "3xx",
        /// The client's fault.
        ClientError = "4xx",
        /// The client left before the answer.
        Left = "499",
        /// Ours or the homeserver's.
        ServerError = "5xx",
    }
}

impl Class {
    /// Returns the class of `status`.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            ..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            499 => Self::Left,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

label! {
    /// What became of an upload, or of what else is metered.
    Outcome {
        /// It is kept, and paid for.
        Charged = "charged",
        /// The homeserver said no, and what was paid went back.
        Refunded = "refunded",
        /// It never became whole: nothing was paid.
        Released = "released",
        /// There was no room, and not a byte went up.
        Refused = "refused",
        /// There was no room for all of it.
        Cut = "cut",
    }
}

label! {
    /// What there may only be so many uploads of at the same time.
    Crowd {
        /// A user.
        Subject = "uploads_per_subject",
        /// A client's address.
        Client = "uploads_per_client",
    }
}

label! {
    /// For how long a window lasts.
    Span {
        /// A minute of the calendar.
        Minute = "minute",
        /// An hour of the calendar.
        Hour = "hour",
        /// A day of the calendar.
        Day = "day",
        /// A week of the calendar.
        Week = "week",
        /// A month of the calendar, from any day on.
        Month = "month",
        /// A quarter of the calendar.
        Quarter = "quarter",
        /// A year of the calendar, from any day on.
        Year = "year",
        /// All time.
        Never = "never",
        /// A number of days.
        Days = "days",
        /// The time up to now.
        Rolling = "rolling",
        /// No time: one file.
        File = "file",
    }
}

label! {
    /// How strict a window is.
    Strictness {
        /// Denies.
        Hard = "hard",
        /// Denies past its ceiling, or after its grace.
        Soft = "soft",
        /// Never denies.
        Observe = "observe",
    }
}

label! {
    /// How it was found out who asks.
    Lookup {
        /// From memory.
        Hit = "hit",
        /// By a question that was under way.
        Joined = "joined",
        /// The homeserver named a user.
        Asked = "asked",
        /// The homeserver knows nobody by this token.
        Refused = "refused",
        /// The homeserver did not say.
        Failed = "failed",
    }
}

label! {
    /// Why a call of the store failed.
    Fault {
        /// It does not answer.
        Unavailable = "unavailable",
        /// It contradicts what is there: a no, not a fault.
        Conflict = "conflict",
        /// What is there cannot be read.
        Corrupt = "corrupt",
        /// It cannot be used as it is set up.
        Misconfigured = "misconfigured",
        /// A sum is too large.
        Overflow = "overflow",
    }
}

label! {
    /// What the homeserver is sent.
    Sent {
        /// A metered body, over a connection of its own.
        Upload = "upload",
        /// What passes, and questions of ours.
        Other = "other",
    }
}

label! {
    /// Why the homeserver did not answer.
    Silence {
        /// Nobody could be reached.
        Connect = "connect",
        /// Connecting took too long.
        ConnectTimeout = "connect_timeout",
        /// Its answer did not begin in time.
        ResponseHeadTimeout = "response_head_timeout",
        /// The client's own body broke off.
        Body = "body",
        /// The connection broke.
        Broken = "broken",
    }
}

label! {
    /// Where clients connect.
    Door {
        /// The public listener.
        Proxy = "proxy",
        /// The admin listener.
        Admin = "admin",
    }
}

label! {
    /// What held up or ended a connection.
    Hindrance {
        /// There were as many as there may be: it waited.
        Connections = "connections",
        /// Its client had as many as it may: it was closed.
        ConnectionsPerClient = "connections_per_client",
        /// Its head took too long.
        HeadTimeout = "head_timeout",
        /// Its head was too large.
        HeadSize = "head_size",
        /// Its client took nothing of what was sent.
        SendIdleTimeout = "send_idle_timeout",
        /// It took back more requests than it may, or sent another flood.
        Http2Flood = "http2_flood",
    }
}

label! {
    /// What became of a delivery.
    Delivery {
        /// It was taken.
        Delivered = "delivered",
        /// It was not, and is tried again.
        Failed = "failed",
    }
}

label! {
    /// What became of a reload.
    Reload {
        /// It was taken over.
        Good = "good",
        /// It changed nothing.
        Bad = "bad",
    }
}
