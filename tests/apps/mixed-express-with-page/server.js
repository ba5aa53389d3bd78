require('express')().use(require('express').static('public')).listen(process.env.PORT);
